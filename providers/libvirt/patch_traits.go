package libvirt

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/beevik/etree"
)

// setRoom gives the machine room for more CPUs, or takes it.
func (s *sheet) setRoom(hotAdd bool) error {
	e := s.root.SelectElement("vcpu")
	if e == nil {
		return fmt.Errorf("the domain's document has no vcpu element")
	}
	limit, err := strconv.Atoi(strings.TrimSpace(e.Text()))
	if err != nil {
		return fmt.Errorf("the domain's document has %q CPUs", e.Text())
	}
	now := limit
	if v, err := strconv.Atoi(e.SelectAttrValue("current", "")); err == nil {
		now = v
	}
	want := cpuRoom(now, hotAdd)
	if want == limit {
		return nil
	}
	e.SetText(strconv.Itoa(want))
	e.RemoveAttr("current")
	if now != want {
		e.CreateAttr("current", strconv.Itoa(now))
	}
	if each := s.root.SelectElement("vcpus"); each != nil {
		s.root.RemoveChild(each)
	}
	s.changed = true
	return nil
}

// setIOMMU gives the machine an IOMMU, or takes it.
func (s *sheet) setIOMMU(on bool) {
	for _, old := range s.devices.SelectElements("iommu") {
		s.devices.RemoveChild(old)
	}
	if on {
		s.devices.CreateElement("iommu").CreateAttr("model", "intel")
	}
	s.changed = true
}

// setNested lets the guest run guests by a feature of the CPU, or does not ask
// for that any more.
func (s *sheet) setNested(on bool, feature string) error {
	cpu := s.root.SelectElement("cpu")
	if cpu == nil {
		return fmt.Errorf("the domain's document has no cpu element")
	}
	for _, f := range cpu.SelectElements("feature") {
		if name := f.SelectAttrValue("name", ""); name == "vmx" || name == "svm" {
			cpu.RemoveChild(f)
		}
	}
	if on {
		f := etree.NewElement("feature")
		f.CreateAttr("policy", "require")
		f.CreateAttr("name", feature)
		cpu.AddChild(f)
	}
	s.changed = true
	return nil
}
