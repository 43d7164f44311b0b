//go:build !race

package pdf_test

// slower is by how much the race detector may slow drawing: it is off.
const slower = 1
