// Package tagged writes PDF files that a screen reader can read: every piece of
// text stands in a structure tree (headings, tables with their head cells,
// figures with words for them), in reading order, as PDF/UA-1 (ISO 14289-1)
// wants it.
//
// It owns the file: objects, content streams, the structure tree, embedded
// subsets of fonts, pictures. It does not own where anything stands on a page
// (pdf). Lengths are in points from the top left corner of the page.
//
// Always true:
//   - The same calls give the same bytes: there is no clock and no chance in a
//     file, and its id is a hash of what it holds.
//   - What is drawn is either in the structure tree or marked as an artifact.
//   - A font's subset holds the whole blocks of letters that the text has some
//     of, so that most documents of a language share it, and it is made once.
package tagged
