// Package admin is the part of an operator's console for the operator itself: its door, users, settings, import, readiness, security and audit.
//
// It translates: reads a form, calls the domain, shows what came of it. It owns
// no rule of the business.
package admin
