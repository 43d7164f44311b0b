package explain

// View tells why one use cost what it did.
type View struct {
	Title    string
	What     string
	Quantity string
	When     string
	Charged  bool
	Segments []Segment // how it was made up, if of several parts
	Bar      string    // the same in words
	Steps    []Step
	SumLabel string
	Sum      string
	Tax      string // of the sum; empty where the bill adds it
	TaxLater bool
}

// Step is one step of the price.
type Step struct {
	Title  string
	More   string
	Amount string
}

// Segment is one part of the use: its place and width, of 100.
type Segment struct {
	X, Width, Label string
	Soft            bool
}
