//! Impact: how many people an outage kept out, how sure that is, and from which inputs. Knows incidents, demand and
//! the population; knows no store and no rendering.
