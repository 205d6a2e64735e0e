# Two images out of one file:
#
#   docker build --target orchestrator -t nago-orchestrator .
#   docker build --target trainer      -t nago-trainer .                    # torch for CUDA
#   docker build --target trainer      -t nago-trainer:cpu --build-arg TORCH_INDEX=ADDRESS .   (that of PyTorch's CPU wheels)
#
# Both run as user 10001 with a read-only root file system; /tmp, where HOME is too, is all that they write to.
#
#   BASE_IMAGE      any Debian with Python 3.11 and its module venv
#   PIP_INDEX_URL   another package index; PIP_OPTIONS: anything else that pip is to be told
#   TORCH_INDEX     a further index with another build of torch, whose versions it prefers
ARG BASE_IMAGE=docker.io/library/python:3.11-slim-bookworm

# ---- dependencies: layers that stay as long as what pip is to install does ------------------------------------------
FROM ${BASE_IMAGE} AS requirements
WORKDIR /requirements
COPY pyproject.toml docker/requirements.py ./
RUN python3 requirements.py project bohb kubernetes mobo postgres report serve > orchestrator.txt \
 && python3 requirements.py trainer postgres > trainer.txt

FROM ${BASE_IMAGE} AS builder
# netifaces, which HpBandSter wants, has no wheel for this Python. The images of python.org have headers of their own.
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends gcc libc6-dev \
 && { [ -e "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] \
      || apt-get install -q -y --no-install-recommends python3-dev; } \
 && rm -rf /var/lib/apt/lists/*
ARG PIP_INDEX_URL
ARG PIP_OPTIONS=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PATH=/opt/nago/bin:$PATH
RUN python3 -m venv /opt/nago \
 && echo /opt/project > "$(python3 -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/project.pth"
WORKDIR /source
COPY constraints.txt ./

FROM builder AS orchestrator-dependencies
COPY --from=requirements /requirements/orchestrator.txt ./
RUN pip install ${PIP_OPTIONS} --constraint constraints.txt --requirement orchestrator.txt \
 && pip check && pip uninstall -q -y pip && find /opt/nago -type d -name tests -prune -exec rm -rf {} +

FROM builder AS trainer-dependencies
ARG TORCH_INDEX=""
# Of the project's own dependencies the trainer imports only what torch and scikit-learn bring along.
COPY --from=requirements /requirements/trainer.txt ./
RUN pip install ${PIP_OPTIONS} ${TORCH_INDEX:+--extra-index-url ${TORCH_INDEX}} \
      --constraint constraints.txt --requirement trainer.txt \
 && pip check && pip uninstall -q -y pip && find /opt/nago -type d -name tests -prune -exec rm -rf {} +

# ---- the project, small and in a folder of its own: all that a change of the code sends to a registry ---------------
FROM builder AS project
COPY . .
RUN pip install ${PIP_OPTIONS} --no-deps --target /opt/project .

FROM project AS trainer-project
RUN rm -r /opt/project/nago_orchestrator /opt/project/bin/nago-orch

# ---- the images -----------------------------------------------------------------------------------------------------
FROM ${BASE_IMAGE} AS runtime
# The images of python.org bring their modules uncompiled, and a read-only file system keeps them so: half a second at each start.
RUN python3 -m compileall -q -x '/(test|tests|lib2to3)/' "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && groupadd --gid 10001 nago \
 && useradd --uid 10001 --gid nago --no-create-home --home-dir /tmp --shell /usr/sbin/nologin nago
ENV PATH=/opt/project/bin:/opt/nago/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /tmp
USER 10001:10001

FROM runtime AS orchestrator
COPY --from=orchestrator-dependencies /opt/nago /opt/nago
COPY --from=project /opt/project /opt/project
EXPOSE 9464
ENTRYPOINT ["nago-orch"]
CMD ["--help"]

FROM runtime AS trainer
# What the container runtime mounts of the driver; which GPUs, the device plug-in says.
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=trainer-dependencies /opt/nago /opt/nago
COPY --from=trainer-project /opt/project /opt/project
ENTRYPOINT ["nago-train"]
CMD ["run"]
