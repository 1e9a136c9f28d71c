FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements.lock pyproject.toml ./
# The lock holds the extras too. All of it is fetched and checked against its hashes;
# then only what the bot itself depends on is installed, from those files alone.
RUN pip download --no-cache-dir --require-hashes --requirement requirements.lock \
      --dest wheels \
 && python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > dependencies.txt \
 && python -m venv /venv \
 && /venv/bin/pip install --no-cache-dir --no-index --find-links wheels \
      --requirement dependencies.txt

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home bot \
 && install --directory --owner=bot /data
COPY --from=build /venv /venv
WORKDIR /app
COPY agent agent
COPY bot bot
COPY manifest.yml policy.yml ./
RUN /venv/bin/python -m compileall -q agent bot
# Nothing is written outside /data (and /tmp), so the root may be read-only.
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    HOST=0.0.0.0 PORT=3000 FILES_DIR=/data/files LOG_FORMAT=json
USER 10001
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/healthz\", timeout=2)"]
ENTRYPOINT ["python", "-m", "bot"]
