//go:build !race

package billing

// slower is by how much the race detector may slow what is promised in seconds:
// it is off.
const slower = 1
