//! Fast two-way RPC that speaks AMP.
