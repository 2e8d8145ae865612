# lnwatch in two stages: the first builds a virtual environment from the locks, the second carries it and nothing else.
#
# The tag names the release. For a build that can be repeated to the byte, pin the digest too:
#   docker buildx imagetools inspect python:3.11.17-slim-bookworm
#   docker build --build-arg PYTHON_IMAGE=python:3.11.17-slim-bookworm@sha256:… -t lnwatch .
ARG PYTHON_IMAGE=python:3.11.17-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
RUN python -m venv --without-pip /opt/lnwatch
COPY requirements.lock deploy/build.lock ./
RUN pip --python /opt/lnwatch/bin/python install --no-compile --require-hashes --no-deps --only-binary=:all: -r requirements.lock
RUN pip install --require-hashes --no-deps --only-binary=:all: -r build.lock
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
COPY runbooks ./runbooks
RUN pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /build/dist . \
    && pip --python /opt/lnwatch/bin/python install --no-compile --no-index --no-deps /build/dist/*.whl
# Compiles what a start imports, and spares the third of the environment that compiling all of it would add.
RUN /opt/lnwatch/bin/python -c "import lnwatch.cli, lnwatch.app"

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="lnwatch" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 lnwatch \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin lnwatch \
    && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /opt/lnwatch /opt/lnwatch
# Everything that lnwatch writes is under /data, so the root may be read-only.
ENV PATH=/opt/lnwatch/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/data \
    TMPDIR=/data \
    LNWATCH_DATA_DIR=/data \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 8735
# Follows LNWATCH_WEB__LISTEN; where the file sets `listen` to another port, set that variable too.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as http; http.urlopen('http://127.0.0.1:' + os.environ.get('LNWATCH_WEB__LISTEN', ':8735').rpartition(':')[2] + '/healthz', timeout=4)"]
ENTRYPOINT ["lnwatch"]
CMD ["run"]
