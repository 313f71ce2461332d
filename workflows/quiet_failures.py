"""What an activity's failure says to Temporal: its kind alone. A database's error quotes rows, and rows are content."""

import traceback
from typing import Any

import structlog
from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

log = structlog.get_logger(__name__)


class QuietFailures(Interceptor):
    """Histories hold ids and stages, never content: failure messages included."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Quiet(next)


class _Quiet(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        try:
            return await self.next.execute_activity(input)
        except Exception as fault:
            kind, info = type(fault).__name__, activity.info()
            where = traceback.format_tb(fault.__traceback__)
            log.warning("activity.failed", activity=info.activity_type, subject=info.workflow_id, fault=kind, where=where)
            raise ApplicationError("The worker's own log says more.", type=kind) from None
