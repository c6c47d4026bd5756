package org.luthier.workbench;

import java.nio.file.Path;
import java.util.List;

/** The swappable parts and the bundles they come from; an OSGi service. */
public interface Plugins {
    /**
     * A part and where it comes from.
     *
     * @param part what the workbench knows of it
     * @param bundle symbolic name of its bundle
     */
    record Plugin(PartInfo part, String bundle) {}

    /** Every part. */
    List<Plugin> list();

    /**
     * Adds a plug-in, now (interactive) or for the next process (headless), and keeps it.
     *
     * @return one line on what was done
     * @throws org.luthier.api.LuthierException if it is no plug-in or does not start; nothing has changed then
     */
    String install(Path jar);

    /**
     * Replaces what has a part of this id by a plug-in that has it too, of the same kind. The new one is there before the old one goes. A
     * bundle of the product that the workbench itself needs, or that has parts which the plug-in has not, stays and gives way.
     *
     * @return one line on what was done
     * @throws org.luthier.api.LuthierException if the new one is no plug-in, lacks the part or does not start; nothing has changed then
     */
    String swap(String id, Path jar);

    /**
     * Takes away the plug-in that has a part of this id. What it has replaced of the product is back at once.
     *
     * @param id the part's, or the bundle's symbolic name where parts of several kinds have one id
     * @return one line on what was done
     * @throws org.luthier.api.LuthierException if there is none, or it is no plug-in of the plug-ins folder
     */
    String remove(String id);
}
