// Package text holds the words of the pages in every language.
//
// It owns the messages and their plural forms. It does not own how figures and
// dates are written (billing/locale) nor names that operators give (catalog).
//
// Always true:
//   - Every language has every message, in the plural forms it needs, with the
//     same places for values; a test holds that.
package text
