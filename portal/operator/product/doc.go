// Package product is the part of an operator's console for what offers refer
// to: partners whose services are sold, specifications of products, and the
// catalog as one file.
//
// It translates forms into calls of the domain (partner, catalog). It owns no
// rule.
package product
