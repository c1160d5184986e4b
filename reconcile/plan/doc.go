// Package plan is judgement: one pure function, Build, that compares what is
// wanted with what was found under a policy and says, as plain data, what will
// be done, to which VM, in which calls, at what cost to the guest, and why.
// It must not know a clock, a network, a logger, a file or a hypervisor's
// words. It is tested by tables, by golden plans, by fuzzing, and by a random
// walk over states.
package plan
