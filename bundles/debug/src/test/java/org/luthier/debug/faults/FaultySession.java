package org.luthier.debug.faults;

import java.util.BitSet;
import java.util.List;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.eclipse.collections.api.list.primitive.IntList;
import org.eclipse.collections.impl.factory.primitive.IntLists;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.luthier.api.model.Session;
import org.luthier.api.model.TokenModel;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Sessions that do what they are told, but for one thing. */
abstract class FaultySession implements Session {
    final Session session;

    FaultySession(TokenModel model, int rows, Probe probe) {
        session = model.open(rows, probe);
    }

    @Override
    public void begin(INDArray features, Position at) {
        session.begin(features, at);
    }

    @Override
    public INDArray encoded() {
        return session.encoded();
    }

    @Override
    public void beginEncoded(INDArray encoded, Position at) {
        session.beginEncoded(encoded, at);
    }

    @Override
    public int rows() {
        return session.rows();
    }

    @Override
    public void prefill(List<? extends IntList> prompts) {
        session.prefill(prompts);
    }

    @Override
    public int[] step(int[] ids, BitSet[] allowed) {
        return session.step(ids, allowed);
    }

    @Override
    public INDArray logits() {
        return session.logits();
    }

    @Override
    public void reorder(int[] sources) {
        session.reorder(sources);
    }

    @Override
    public void retain(int[] rows) {
        session.retain(rows);
    }

    @Override
    public void close() {
        session.close();
    }

    /** Is fed other ids. */
    static final class OtherIds extends FaultySession {
        private final IntUnaryOperator other;

        OtherIds(TokenModel model, int rows, Probe probe, IntUnaryOperator other) {
            super(model, rows, probe);
            this.other = other;
        }

        @Override
        public void prefill(List<? extends IntList> prompts) {
            session.prefill(prompts.stream()
                    .map(prompt -> (IntList) IntLists.immutable.of(
                            IntStream.of(prompt.toArray()).map(other).toArray()))
                    .toList());
        }

        @Override
        public int[] step(int[] ids, BitSet[] allowed) {
            return session.step(IntStream.of(ids).map(other).toArray(), allowed);
        }
    }

    /** Is fed at each step what it should have been fed at the one before. */
    static final class LateIds extends FaultySession {
        private int[] before;

        LateIds(TokenModel model, int rows, Probe probe) {
            super(model, rows, probe);
        }

        @Override
        public void begin(INDArray features, Position at) {
            super.begin(features, at);
            before = null;
        }

        @Override
        public int[] step(int[] ids, BitSet[] allowed) {
            int[] late = before == null ? ids : before;
            before = ids.clone();
            return session.step(late, allowed);
        }
    }

    /** Chooses the second of the largest logits. */
    static final class SecondBest extends FaultySession {
        SecondBest(TokenModel model, int rows, Probe probe) {
            super(model, rows, probe);
        }

        @Override
        public int[] step(int[] ids, BitSet[] allowed) {
            session.step(ids, allowed);
            INDArray logits = session.logits();
            int[] second = new int[ids.length];
            for (int row = 0; row < ids.length; row++) {
                int best = -1;
                int next = -1;
                for (int id = 0; id < logits.size(1); id++) {
                    float value = logits.getFloat(row, id);
                    if (best < 0 || value > logits.getFloat(row, best)) {
                        next = best;
                        best = id;
                    } else if (next < 0 || value > logits.getFloat(row, next)) {
                        next = id;
                    }
                }
                second[row] = next;
            }
            return second;
        }
    }

    /** Hears nothing. */
    static final class Deaf extends FaultySession {
        Deaf(TokenModel model, int rows, Probe probe) {
            super(model, rows, probe);
        }

        @Override
        public void begin(INDArray features, Position at) {
            session.begin(features.mul(0), at);
        }
    }

    /** Forgets at every step all that was before, and counts from 0 again; its watchers are told the step that it should be. */
    static final class LostCache extends FaultySession {
        private final Numbered steps;
        private INDArray encoded;
        private Position at;

        LostCache(TokenModel model, int rows, Probe probe) {
            this(model, rows, new Numbered(probe));
        }

        private LostCache(TokenModel model, int rows, Numbered steps) {
            super(model, rows, steps);
            this.steps = steps;
        }

        @Override
        public void begin(INDArray features, Position position) {
            super.begin(features, position);
            encoded = session.encoded().dup('c');
            at = position;
            steps.passed = 0;
        }

        @Override
        public int[] step(int[] ids, BitSet[] allowed) {
            if (steps.passed > 0) {
                session.beginEncoded(encoded, at);
            }
            int[] next = session.step(ids, allowed);
            steps.passed++;
            return next;
        }

        /** Knows how many steps there were. */
        private static final class Numbered implements Probe {
            private final Probe watcher;
            private int passed;

            Numbered(Probe watcher) {
                this.watcher = watcher;
            }

            @Override
            public boolean wants(String name) {
                return watcher.wants(name);
            }

            @Override
            public void tap(String name, Position at, INDArray tensor) {
                watcher.tap(name, at.step() < 0 ? at : at.at(at.step() + passed), tensor);
            }
        }
    }
}
