package vsphere

type images struct{}

func (*images) close() error { return nil }
