//! The proxy over HTTP, as its clients and others use it.

mod callers;
mod commits;
mod deletes;
mod lake;
mod lost_answers;
mod mutations;
mod objects;
mod sockets;
