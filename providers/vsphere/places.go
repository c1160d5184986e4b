package vsphere

type places struct{}
