// Package static serves the portals' style sheets, script and fonts, embedded
// in the binary.
//
// It owns the files and their addresses. It does not own an operator's colours
// (brand) or any page.
//
// Always true:
//   - An address holds the hash of all files, so that what it gives never
//     changes and may be kept for ever.
//   - Nothing is fetched from anybody else.
package static
