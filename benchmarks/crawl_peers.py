"""Scrapy's crawl of the same site: `crawl_peers.py START_URL OUT.jsonl CONCURRENCY PER_HOST`.

Scrapy's own defaults except: no delay, our numbers of calls at one time, robots.txt obeyed as projects made by
`scrapy startproject` do, and a log at level INFO (at its default, DEBUG, it is slower). Bodies are written as JSON
lines by its feed exporter. Prints pages and bytes of bodies as JSON.
"""

import json
import sys
from urllib.parse import urlsplit

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.linkextractors import LinkExtractor


class Site(scrapy.Spider):
    name = "site"

    def __init__(self, start: str, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.start_urls = [start]
        self.allowed_domains = [urlsplit(start).hostname]
        self.extractor = LinkExtractor(allow_domains=[urlsplit(start).netloc])  # with the port
        self.pages = self.size = 0

    def parse(self, response):
        self.pages += 1
        self.size += len(response.body)
        yield {"url": response.url, "status": response.status, "body": response.text}
        for link in self.extractor.extract_links(response):
            yield scrapy.Request(link.url, callback=self.parse)


def main() -> int:
    start, out, concurrency, per_host = sys.argv[1:]
    process = CrawlerProcess(
        {
            "USER_AGENT": "benchbot/1",
            "ROBOTSTXT_OBEY": True,
            "DOWNLOAD_DELAY": 0,
            "CONCURRENT_REQUESTS": int(concurrency),
            "CONCURRENT_REQUESTS_PER_DOMAIN": int(per_host),
            "HTTPCACHE_ENABLED": False,
            "FEEDS": {out: {"format": "jsonlines", "overwrite": True}},
            "LOG_LEVEL": "INFO",
        }
    )
    crawler = process.create_crawler(Site)
    process.crawl(crawler, start=start)
    process.start()
    print(json.dumps({"pages": crawler.spider.pages, "bytes": crawler.spider.size}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
