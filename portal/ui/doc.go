// Package ui holds what pages of every portal are made of: the shell, cards,
// states, charts and fields, and how figures are written for a reader.
//
// It owns markup and the look of figures. It does not own words (text), colours
// and spacing (static), an operator's colours (brand) or what a page shows.
//
// Always true:
//   - Every component works as plain HTML; nothing needs an inline style or
//     script, so the content security policy can forbid both.
//   - Colour never stands alone: a state has a shape and a word as well.
package ui
