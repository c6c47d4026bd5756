package org.luthier.workbench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.luthier.api.LuthierException;
import org.luthier.api.plugin.Part;
import org.luthier.api.plugin.PartVersion;

/** The parts that one job works with: a snapshot, taken all at once and kept to the job's end. Closing it twice is fine. */
public final class Leases implements AutoCloseable {
    private final Parts parts;
    private final Consumer<LuthierException> abort;
    private final List<Parts.Entry> held = new ArrayList<>();

    Leases(Parts parts, Consumer<LuthierException> abort) {
        this.parts = parts;
        this.abort = abort;
    }

    /** The part of a kind and id that was asked for. */
    public <P extends Part> P get(Class<P> kind, String id) {
        return kind.cast(entry(kind, id).part());
    }

    /** Every part of a kind that was asked for, in that order. */
    <P extends Part> List<P> all(Class<P> kind) {
        return held.stream()
                .filter(entry -> entry.kind() == kind)
                .map(entry -> kind.cast(entry.part()))
                .toList();
    }

    /** Id and bundle version of a part that was asked for. */
    public PartVersion version(Class<? extends Part> kind, String id) {
        return new PartVersion(id, entry(kind, id).version());
    }

    @Override
    public void close() {
        parts.release(this);
    }

    List<Parts.Entry> held() {
        return held;
    }

    void abort(LuthierException reason) {
        abort.accept(reason);
    }

    private Parts.Entry entry(Class<? extends Part> kind, String id) {
        for (Parts.Entry entry : held) {
            if (entry.kind() == kind && entry.part().id().equals(id)) {
                return entry;
            }
        }
        throw new IllegalArgumentException("not leased: " + kind.getSimpleName() + " " + id);
    }
}
