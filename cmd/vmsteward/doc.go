// Command vmsteward keeps the virtual machines of hypervisors as a repository
// of manifests says. This package owns the process and the person in front of
// it: flags, signals, exit codes, and every text that is printed. It must not
// decide anything about a VM, nor know any hypervisor or source. It is tested
// by golden files of what it prints and by scripts that run the whole program.
package main
