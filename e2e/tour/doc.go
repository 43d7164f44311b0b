// Package tour goes through the pages of a running demo with a real browser, as
// people would: signs in at each door, follows every link, checks what it finds
// with axe-core, and takes pictures.
//
// It owns the browser, the way from page to page, and the vendored axe-core
// (MPL-2.0). It does not own what a page must say: the tests do.
package tour
