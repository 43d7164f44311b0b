// Package programs draws the console's pages of webhooks: endpoints, their
// deliveries, and what is kept of events. It calls billing/event and owns no
// rule.
package programs
