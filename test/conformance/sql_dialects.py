"""Runs the statements of a task file: Spark's in Spark, Trino's and Athena's in DuckDB after sqlglot has parsed them as their dialect.

Each task names a CSV, which is the table `usage_samples`, a statement and the file for its rows as JSON lines.
"""

import json
import math
import os
import sys

import duckdb
import pyspark
import sqlglot
from pyspark.sql import SparkSession


def write_rows(path, columns, rows):
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            values = {name: plain(value) for name, value in zip(columns, row)}
            file.write(json.dumps(values) + "\n")


def plain(value):
    # JSON has no NaN; engines write it as text.
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def run_spark(tasks):
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.ansi.enabled", "false")
        .getOrCreate()
    )
    for task in tasks:
        # All columns are text, as in a table over files; Parquet tables have numbers, which cast the same way.
        table = spark.read.csv(task["csv"], header=True)
        table.selectExpr("*", "timestamp_seconds(CAST(unix AS BIGINT)) AS taken").createOrReplaceTempView("usage_samples")
        answer = spark.sql(task["sql"])
        write_rows(task["rows"], answer.columns, answer.collect())
    spark.stop()


def run_transpiled(tasks):
    for task in tasks:
        statement = sqlglot.transpile(task["sql"], read=task["dialect"], write="duckdb")[0]
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        source = f"read_csv('{task['csv']}', header = true, all_varchar = true)"
        connection.execute(
            "CREATE TABLE usage_samples AS SELECT *, make_timestamp(CAST(unix AS BIGINT) * 1000000) AS taken FROM " + source
        )
        try:
            answer = connection.execute(statement)
        except duckdb.ConversionException as error:
            print(f"refused by DuckDB: {str(error).splitlines()[0]}", file=sys.stderr)
            continue
        write_rows(task["rows"], [column[0] for column in answer.description], answer.fetchall())


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        tasks = json.load(file)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    run_transpiled([task for task in tasks if task["dialect"] != "spark"])
    run_spark([task for task in tasks if task["dialect"] == "spark"])
    print(f"{len(tasks)} statements: pyspark {pyspark.__version__}, sqlglot {sqlglot.__version__}, duckdb {duckdb.__version__}")


main()
