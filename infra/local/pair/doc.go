// Package pair runs the two database servers of a site with a synchronous
// standby on this machine: PostgreSQL in two folders, with streaming
// replication.
//
// It owns how a server is made, started, copied, rewound and promoted. It does
// not own which one is the primary (provisioning/pair decides). It implements
// pair.Nodes.
//
// Servers are started apart from this process, with the site's folder in their
// environment: they go on without a control plane, and end with their site. A
// folder with the file fenced in it is not started before it has been made a
// copy of the other one.
package pair
