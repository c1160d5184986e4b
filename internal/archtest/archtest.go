// Package archtest holds the shape of the tree: who may import whom, what must
// not be said where, and how long files and functions may grow. It has no code
// but its tests.
package archtest
