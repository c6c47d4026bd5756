package org.luthier.debug;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.luthier.api.model.Position;
import org.luthier.api.model.Probe;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Puts chosen tensors of a reference into their places while the model runs. May be tapped by several workers. */
public final class PatchingProbe implements Probe {
    private final Map<String, RecordedTensor> patches = new HashMap<>();
    private final List<Integer> segments;
    private final Probe watcher;

    /**
     * Prepares a run.
     *
     * @param names which tensors of the reference to put into their places
     * @param watcher sees what it wants afterwards
     */
    public PatchingProbe(Reference reference, Set<String> names, Probe watcher) {
        names.forEach(name -> patches.put(name, reference.tensor(name)));
        this.segments = reference.header().segments();
        this.watcher = watcher;
    }

    @Override
    public boolean wants(String name) {
        return patches.containsKey(name) || watcher.wants(name);
    }

    @Override
    public void tap(String name, Position at, INDArray tensor) {
        RecordedTensor patch = patches.get(name);
        if (patch != null) {
            Tap.of(name, at, tensor).overwrite(patch, segments);
        }
        watcher.offer(name, at, tensor);
    }
}
