FROM node:24-slim

ENV NODE_ENV=production
# In a container 127.0.0.1, the default with Socket Mode, is reachable for nobody; `-p` decides who gets in.
ENV HOST=0.0.0.0
WORKDIR /app

COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force

COPY LICENSE NOTICE manifest.yml ./
COPY src ./src

# STORE_URL's default file and the spool of long outputs; a volume keeps them over a new image.
RUN mkdir data && chown node:node data
VOLUME /app/data

USER node
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]

CMD ["node", "src/main.ts"]
