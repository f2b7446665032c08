//! The TCP/IP stack: smoltcp, sockets with a backlog, the server's transport and its HTTP gate.
#![no_std]
#![forbid(unsafe_code)]
