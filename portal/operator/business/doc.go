// Package business is the part of an operator's console for the business: dashboard, offers, the bill run room, payments and suspense.
//
// It translates: reads a form, calls the domain, shows what came of it. It owns
// no rule of the business.
package business
