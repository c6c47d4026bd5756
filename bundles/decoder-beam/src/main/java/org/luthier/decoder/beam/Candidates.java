package org.luthier.decoder.beam;

import java.util.BitSet;

/** The likeliest continuations of a row's beams, in order; of equal ones that of the earlier beam, then the lower id, comes first. */
final class Candidates {
    private final Beam[] beams;
    private final int[] rows;
    private final int[] ids;
    private final double[] sums;
    private int count;

    /** @param most how many are kept */
    Candidates(int most) {
        beams = new Beam[most];
        rows = new int[most];
        ids = new int[most];
        sums = new double[most];
    }

    int count() {
        return count;
    }

    int id(int i) {
        return ids[i];
    }

    double sum(int i) {
        return sums[i];
    }

    /** The beam that a candidate makes. */
    Beam beam(int i) {
        return beams[i].extend(ids[i], sums[i], rows[i]);
    }

    /**
     * Adds what may follow a beam, with the logarithm of its probability among all ids, allowed or not.
     *
     * @param row the beam's row in the session
     * @param logits scores of the ids
     */
    void offer(Beam beam, int row, float[] logits) {
        double base = beam.sum() - logOfSum(logits);
        if (beam.grammar() == null) {
            for (int id = 0; id < logits.length; id++) {
                offer(beam, row, id, base + logits[id]);
            }
        } else {
            BitSet allowed = beam.grammar().allowed();
            for (int id = allowed.nextSetBit(0); id >= 0 && id < logits.length; id = allowed.nextSetBit(id + 1)) {
                offer(beam, row, id, base + logits[id]);
            }
        }
    }

    private void offer(Beam beam, int row, int id, double sum) {
        boolean full = count == sums.length;
        double least = full ? sums[count - 1] : Double.NEGATIVE_INFINITY;
        if (!(sum > least)) { // what is not a number, or impossible, neither
            return;
        }
        int at = full ? count - 1 : count++;
        for (; at > 0 && sums[at - 1] < sum; at--) {
            beams[at] = beams[at - 1];
            rows[at] = rows[at - 1];
            ids[at] = ids[at - 1];
            sums[at] = sums[at - 1];
        }
        beams[at] = beam;
        rows[at] = row;
        ids[at] = id;
        sums[at] = sum;
    }

    /** ln(sum of e^x). */
    private static double logOfSum(float[] x) {
        float largest = Float.NEGATIVE_INFINITY;
        for (float value : x) {
            largest = Math.max(largest, value);
        }
        double sum = 0;
        for (float value : x) {
            sum += Math.exp(value - largest);
        }
        return largest + Math.log(sum);
    }
}
