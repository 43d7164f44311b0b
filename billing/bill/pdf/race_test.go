//go:build race

package pdf_test

// slower is by how much the race detector may slow drawing.
const slower = 20
