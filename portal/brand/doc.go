// Package brand derives an operator's colours from the one it chose.
//
// It owns the derivation and the style sheet that carries it. It does not own
// the other colours (portal/static), which never change with the brand.
//
// Always true:
//   - Text in the brand's colour, and text on it, has a contrast of at least
//     4.5 in both themes (WCAG 2.2, 1.4.3), whatever colour was chosen.
//   - The same colour gives the same style sheet, under the same address.
package brand
