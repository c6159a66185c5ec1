//! What goes wrong around the server, and what clients see of it: back ends that fail, images that kill what renders
//! them, documents meant to, proxies, secrets.

mod clocks;
mod damage;
mod documents;
mod exposure;
mod outages;
mod poison;
mod rivals;
