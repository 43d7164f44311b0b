// Package staff is the door of hosting staff: the pages below /staff/.
//
// It translates between people and the control plane (tenants, provisioning);
// rules stand there.
package staff
