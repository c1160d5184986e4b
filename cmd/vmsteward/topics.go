package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// exitCodesTopic is "help exit-codes".
func exitCodesTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What each exit code means",
		Long:  exitCodesText(),
	}
}

// exitCodesText writes the table of exit codes.
func exitCodesText() string {
	var b strings.Builder
	b.WriteString("The exit codes are a promise: scripts may rely on them.\n")
	last := "-"
	for _, row := range exitTable {
		if row.command != last {
			last = row.command
			title := "every command"
			if row.command != "" {
				title = row.command
			}
			fmt.Fprintf(&b, "\n%s\n", title)
		}
		fmt.Fprintf(&b, "  %3d  %s\n", row.code, row.meaning)
	}
	return strings.TrimRight(b.String(), "\n")
}

// configTopic is "help config".
func configTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "What the host's configuration looks like",
		Long: `The configuration is one YAML file, /etc/vmsteward/vmsteward.yaml unless
--config or $VMSTEWARD_CONFIG names another. It belongs to the host: policy
and credentials are never taken from the repository that they guard. Unknown
keys are errors. SIGHUP ("systemctl reload vmsteward") reads it again, as a
whole or not at all.

The least that works is fleet and source. What is commented out is the
default.

` + configExample + `
Providers lie in providersDir, as Provider manifests, one file each. A
credential is named, never written here: a Secret in providersDir, a file or a
folder in credentialsDir, or a credential that systemd passes on
(LoadCredential=).`,
	}
}

// configExample is a complete configuration; a test loads it.
const configExample = `  apiVersion: vmsteward.dev/v1
  kind: Config

  # Marks the VMs that are ours. Unique per daemon: two daemons with the same
  # fleet on one hypervisor retire each other's VMs. Never change it once VMs
  # exist.
  fleet: lab

  # What to follow: a repository, or a folder (dir: {path: /srv/manifests}).
  source:
    git:
      url: ssh://git@git.example.org/infra/vms.git
      ref: {branch: main}         # or tag, semver or commit
      path: manifests             # a folder in it
      credentials: git-vms        # a name, see below
      # followRewrites: false     # follow a branch whose history was rewritten

  # The times of passes, as cron or as an interval; one of the two.
  schedule: "*/5 * * * *"
  # interval: 5m
  timeZone: Europe/Berlin         # of schedule and windows; default UTC

  # drift: enforce                # or report: outside changes are only told

  # prune:                        # VMs of ours that the source has no more
  #   mode: report                # or off, or delete
  #   grace: 24h                  # powered off and kept so long before deletion
  #   maxCount: 5                 # more at once looks like an accident
  #   maxPercent: 20
  #   allowEmpty: false           # believe a source without any VM

  disruption:
    max: restart                  # the most a change costs: none, live, restart
    windows:                      # restarts only then; none: at any time
      - {start: "0 2 * * 6", duration: 4h}

  # strict: false                 # unknown fields of manifests are errors
  # providersDir: /etc/vmsteward/providers.d
  # credentialsDir: /etc/vmsteward/credentials
  # stateDir: /var/lib/vmsteward
  # api: {socket: /run/vmsteward/vmsteward.sock}
  # log: {format: auto, level: info}
`
