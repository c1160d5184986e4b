package libvirttest

// listenConf is what libvirtd.conf needs to listen.
func (h *Host) listenConf() string { return "" }
