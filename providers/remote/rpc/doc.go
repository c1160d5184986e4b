// Package rpc holds the schemas of the provider protocols and the code that
// "make gen" writes from them. It is tested by writing the code again.
package rpc
