package rpc

import "embed"

// Files are the schemas and what is generated from them, for those who cannot
// import this module.
//
//go:embed providerv1/*.proto providerv1/*.go stewardv1/*.proto stewardv1/*.go
var Files embed.FS
