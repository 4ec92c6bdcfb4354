// Derives from two dated files what node packing must know of EC2 instance types:
//   lib/workloads/instance-types.generated.json
// Facts are those of ec2:DescribeInstanceTypes as moto records them; prices are the Linux on-demand prices of us-east-1 that Karpenter ships.
//   pip download --no-deps moto==5.2.1
//   node scripts/generate-instance-types.mjs moto-5.2.1-py3-none-any.whl ../shared/prices/ec2-aws.json
// The output is committed. A type without a price is left out and named here: what cannot be compared is not chosen.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { execFileSync } from 'node:child_process';

const OUTPUT = 'lib/workloads/instance-types.generated.json';
const FACTS_IN_WHEEL = 'moto/ec2/resources/instance_types.json.gz';
const REGION = 'us-east-1';
// Plain families only: local disks, faster networks and the flex variants cost more or promise less, and no pod asks for them here.
const FAMILIES = /^([cmr][678][agi]|g5|g6|g6e|p4d|p4de|p5|p5en)$/;
const ARCHITECTURES = { x86_64: 'amd64', arm64: 'arm64' };

const [wheel, priceFile] = process.argv.slice(2);
if (!wheel || !priceFile) throw new Error('usage: generate-instance-types.mjs <moto wheel> <ec2-aws.json>');

const read = 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))';
const packed = execFileSync('python3', ['-c', read, wheel, FACTS_IN_WHEEL], { maxBuffer: 64 * 1024 * 1024 });
const types = JSON.parse(zlib.gunzipSync(packed).toString());
const prices = JSON.parse(fs.readFileSync(priceFile, 'utf8'));
const hourly = prices.hourlyLinuxOnDemand[REGION];

const families = {};
const unpriced = [];
for (const [name, type] of Object.entries(types).sort(([a], [b]) => (a < b ? -1 : 1))) {
  const [family, size] = name.split('.');
  if (!FAMILIES.test(family) || type.BareMetal) continue;
  if (hourly[name] === undefined) {
    unpriced.push(name);
    continue;
  }
  const gpu = type.GpuInfo?.Gpus[0];
  const { NetworkCards: cards, DefaultNetworkCardIndex: card, Ipv4AddressesPerInterface: addresses } = type.NetworkInfo;
  families[family] ??= {
    architecture: ARCHITECTURES[type.ProcessorInfo.SupportedArchitectures[0]],
    ...(gpu ? { gpu: gpu.Name, gpuMemoryMib: gpu.MemoryInfo.SizeInMiB } : {}),
    sizes: {},
  };
  // The VPC CNI uses the interfaces of the default network card alone.
  const interfaces = cards[card].MaximumNetworkInterfaces;
  const facts = [type.VCpuInfo.DefaultVCpus, type.MemoryInfo.SizeInMiB, interfaces, addresses, hourly[name]];
  families[family].sizes[size] = gpu ? [...facts, gpu.Count] : facts;
}

const content = {
  source: `ec2:DescribeInstanceTypes as in ${path.basename(wheel)} ${FACTS_IN_WHEEL} (Apache-2.0)`,
  priceSource: `${prices.source} (${prices.licence})`,
  priceRegion: REGION,
  priceDate: prices.generatedAt.slice(0, 10),
  currency: prices.currency,
  unpriced,
  columns: ['vcpus', 'memoryMib', 'networkInterfaces', 'addressesPerInterface', 'hourlyOnDemand', 'gpus'],
  families,
};
fs.writeFileSync(OUTPUT, `${JSON.stringify(content)}\n`);
console.log(`${OUTPUT}: ${Object.values(families).reduce((sum, { sizes }) => sum + Object.keys(sizes).length, 0)} types`);
