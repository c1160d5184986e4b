// Package seed holds what provider.v1 says inside its string fields, and what
// is known of the servers that speak it: the JSON texts of a creation and of a
// reconfiguration, both ways between them and a manifest.VM; which of a
// server's answers can be trusted; and what its errors mean. It is used by the
// client, where a server has nothing better, and by our server, for managers
// that know nothing better. It must not know a connection, a retry or a plan.
// It is tested by tables with a reason per row and by fuzzing what reads.
package seed
