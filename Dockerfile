# The production image: the service and what requirements/base.txt names, checked by hash. No embedded server, no test tool.
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements/uv.txt requirements/base.txt requirements/
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements/uv.txt \
    && uv venv /opt/countersign \
    && VIRTUAL_ENV=/opt/countersign uv pip sync --no-cache --require-hashes --compile-bytecode requirements/base.txt

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --home-dir /srv/countersign countersign \
    && install --directory --owner countersign --mode 0700 /srv/countersign/media /srv/countersign/keys
COPY --from=build /opt/countersign /opt/countersign
WORKDIR /srv/countersign/app
COPY core core
COPY workflows workflows
COPY integrations integrations
COPY api api
COPY web web
COPY countersign countersign
ENV PATH=/opt/countersign/bin:$PATH PYTHONPATH=/srv/countersign/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER countersign
ENTRYPOINT ["python", "-m", "countersign"]
CMD ["api"]
