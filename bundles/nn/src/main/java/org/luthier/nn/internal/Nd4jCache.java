package org.luthier.nn.internal;

import org.luthier.nn.Heads;
import org.luthier.nn.KeyValueCache;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Attention to what was appended: a new block is at least as long as all before it, so that there are few. */
final class Nd4jCache extends Nd4jKeyValues implements KeyValueCache {
    private static final int FIRST_BLOCK = 64;

    Nd4jCache(Heads heads, int rows) {
        super(heads, rows);
    }

    @Override
    public void append(INDArray keys, INDArray values) {
        Shapes.check("keys", keys, rows(), -1, heads().width());
        Shapes.check("values", values, rows(), keys.size(1), heads().valueWidth());
        Nd4jBlock block = blockFor(keys.size(1));
        if (memory.inPlace()) {
            block.append(keys, values);
        } else {
            try (INDArray spreadKeys = Nd4jKernels.gather(keys, memory.owners());
                    INDArray spreadValues = Nd4jKernels.gather(values, memory.owners())) {
                block.append(spreadKeys, spreadValues);
            }
        }
        memory.written();
    }

    private Nd4jBlock blockFor(long positions) {
        if (blocks.isEmpty() || blocks.get(blocks.size() - 1).free() < positions) {
            long capacity = Math.max(FIRST_BLOCK, Math.max(length(), positions));
            blocks.add(Nd4jBlock.empty(heads(), memory.memory(), capacity));
        }
        return blocks.get(blocks.size() - 1);
    }
}
