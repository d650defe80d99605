//! Image to Plan: where every page of the new domain comes from (pure).
