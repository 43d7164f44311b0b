// Package pdf prints a bill or a statement on A4 pages.
//
// It owns the look of a document: its type, spacing and words in each
// language. It does not own a single fact on it (bill) nor how figures are
// written (locale). Lengths are in points, 72 to the inch; the address stands
// where the window of a DIN 5008 form B envelope shows it.
//
// Always true:
//   - The same facts give the same bytes: dates in the file are the bill's own,
//     and nothing in it is random.
//   - A line is never parted by a page's end, a heading never stands alone
//     under one, and every page repeats the table's head and says which page
//     of how many it is.
//
// The typeface is IBM Plex Sans (SIL Open Font License, fonts/OFL.txt): it has
// Latin and Cyrillic and its figures are all of one width.
package pdf
