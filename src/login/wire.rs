//! The seam between a run and the network: whatever performs one exchange. [`net::Connections`] does it for real; unit
//! tests put a script in its place.

use std::future::Future;

use tokio::time::Instant;

use crate::model::ExchangeLimits;
use crate::net;

/// Performs exchanges for one run.
pub(super) trait Wire: Send {
    /// One exchange: total, like [`net::Connections::exchange`].
    fn exchange(
        &mut self,
        request: net::Request,
        limits: &ExchangeLimits,
        deadline: Instant,
    ) -> impl Future<Output = net::Exchange> + Send;
}

impl Wire for net::Connections {
    async fn exchange(&mut self, request: net::Request, limits: &ExchangeLimits, deadline: Instant) -> net::Exchange {
        Self::exchange(self, request, limits, deadline).await
    }
}
