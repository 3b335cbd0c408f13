import { expect, test } from 'vitest';
import {
  consistencyProof,
  emptyRoot,
  inclusionProof,
  leafHash,
  nodeHash,
  treeRoot,
} from '../../domain/log/merkle-tree.ts';
import { bytesOf, hex, readerOf } from '../support/merkle.ts';

/** The known answers of Certificate Transparency's own tests (RFC 6962 §2.1): eight leaves, and the root of each size. */
const LEAVES = [
  '',
  '00',
  '10',
  '2021',
  '3031',
  '40414243',
  '5051525354555657',
  '606162636465666768696a6b6c6d6e6f',
].map(bytesOf);
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];
const LEAF_0 = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d';
const LEAF_1 = '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7';
const NODE_2_3 = '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e';
const NODE_4_7 = '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4';

test('a leaf, a node and nothing hash as they do there', () => {
  expect(hex(leafHash(bytesOf('')))).toBe(LEAF_0);
  expect(hex(nodeHash(bytesOf(LEAF_0), bytesOf(LEAF_1)))).toBe(ROOTS[2]);
  expect(hex(emptyRoot())).toBe(ROOTS[0]);
});

test.each(ROOTS.map((root, size) => ({ size, root })))(
  'the tree of $size leaves has its root',
  async (one) => {
    expect(hex(await treeRoot(one.size, readerOf(LEAVES.slice(0, one.size))))).toBe(one.root);
  },
);

test('the path of the first leaf of eight, and the proof from two to eight', async () => {
  const path = await inclusionProof(0, 8, readerOf(LEAVES));
  expect(path.map(hex)).toEqual([LEAF_1, NODE_2_3, NODE_4_7]);
  const proof = await consistencyProof(2, 8, readerOf(LEAVES));
  expect(proof.map(hex)).toEqual([NODE_2_3, NODE_4_7]);
});
