package side

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/vmsteward/vmsteward/sources"
)

// inMemory is a source whose files never change.
type inMemory struct{ files fstest.MapFS }

// FleetSource is a fleet of n VMs that comes from no repository.
func FleetSource(n int) sources.Source {
	files := fstest.MapFS{}
	for name, text := range Fleet(n, "/images/base.qcow2") {
		files[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return inMemory{files}
}

// Fetch implements sources.Source.
func (m inMemory) Fetch(context.Context) (*sources.Snapshot, error) {
	return &sources.Snapshot{Revision: "1", Files: m.files}, nil
}

// Describe implements sources.Source.
func (m inMemory) Describe() string { return "a fleet in memory" }

// Close implements sources.Source.
func (m inMemory) Close() error { return nil }

// Fleet returns manifests of n powered-off VMs, one to a file and a hundred to
// a folder, on the provider "lab". image is the path of their boot image.
func Fleet(n int, image string) map[string]string {
	files := map[string]string{"shared.yaml": fmt.Sprintf(`apiVersion: infra.virtrigaud.io/v1beta1
kind: VMClass
metadata: {name: small}
spec: {cpu: 1, memory: 64Mi}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMImage
metadata: {name: base}
spec: {source: {libvirt: {path: %s, format: qcow2}}}
---
apiVersion: infra.virtrigaud.io/v1beta1
kind: VMNetworkAttachment
metadata: {name: lan}
spec: {network: {libvirt: {networkName: default}}}
`, image)}
	for i := range n {
		name, text := VM(i, 128)
		files[name] = text
	}
	return files
}

// VM returns one manifest and the name of its file.
func VM(i, memoryMiB int) (file, text string) {
	return fmt.Sprintf("vms/%03d/vm-%06d.yaml", i/100, i), fmt.Sprintf(`apiVersion: infra.virtrigaud.io/v1beta1
kind: VirtualMachine
metadata: {name: vm-%06d}
spec:
  providerRef: {name: lab}
  classRef: {name: small}
  imageRef: {name: base}
  powerState: "Off"
  resources: {cpu: 1, memoryMiB: %d}
  networks:
  - {name: lan, networkRef: {name: lan}}
`, i, memoryMiB)
}
