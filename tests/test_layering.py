"""
The import rules of ARCHITECTURE.md, checked.

To add a module, give it a line in `MAY_IMPORT`, below all that it imports.
"""

import ast

from pathlib import Path

import pytest


ROOT = Path(__file__).parents[1]
PACKAGES = ("recommender", "listener", "server")
SCRIPTS = ("run_listener", "run_server")

# What each of our modules may import of ours. A line may name only modules
# of the lines above it, so there is no room for a cycle.
MAY_IMPORT = {
    # the values that cross rooms
    "recommender.allocator": "",
    "server.sockets": "",
    "server.line": "",
    "recommender.errors": "",
    "recommender.product": "",
    "recommender.mutation": "recommender.product",
    "recommender.position": "",
    "recommender.manifest": "recommender.errors recommender.position",
    # from products to frozen segments
    "recommender.text": "",
    "recommender.weights": "recommender.product recommender.text",
    "recommender.kernels": "",
    "recommender.search_kernels": "recommender.kernels",
    "recommender.blob": "recommender.kernels",
    "recommender.displays": "recommender.blob recommender.errors recommender.kernels",
    "recommender.word_kernels": "recommender.kernels recommender.text",
    "recommender.tally": (
        "recommender.blob recommender.kernels recommender.product recommender.text "
        "recommender.weights recommender.word_kernels"
    ),
    "recommender.segment": (
        "recommender.blob recommender.displays recommender.kernels recommender.product "
        "recommender.tally recommender.text recommender.weights"
    ),
    "recommender.row": "recommender.segment",
    "recommender.bulk": "recommender.product recommender.segment recommender.weights",
    "recommender.index": (
        "recommender.blob recommender.kernels recommender.mutation recommender.product "
        "recommender.row recommender.segment recommender.weights"
    ),
    # from segments to answers
    "recommender.generation": "recommender.manifest recommender.segment",
    "recommender.facets": "recommender.blob recommender.segment recommender.text",
    "recommender.filters": (
        "recommender.facets recommender.kernels recommender.search_kernels "
        "recommender.segment"
    ),
    "recommender.query": "recommender.kernels",
    "recommender.successive": "recommender.kernels",
    "recommender.lengths": (
        "recommender.kernels recommender.segment recommender.successive "
        "recommender.weights"
    ),
    "recommender.snapshot": (
        "recommender.blob recommender.errors recommender.filters "
        "recommender.generation recommender.kernels recommender.lengths "
        "recommender.manifest recommender.query recommender.search_kernels "
        "recommender.segment recommender.successive recommender.weights"
    ),
    "recommender.relations": "recommender.filters recommender.snapshot",
    "recommender.ranking": (
        "recommender.filters recommender.kernels recommender.query recommender.snapshot"
    ),
    "recommender.reasons": (
        "recommender.kernels recommender.query recommender.snapshot recommender.text"
    ),
    "recommender.words": (
        "recommender.errors recommender.facets recommender.kernels recommender.query "
        "recommender.snapshot recommender.text"
    ),
    "recommender.newest": (
        "recommender.filters recommender.kernels recommender.ranking "
        "recommender.search_kernels recommender.segment recommender.snapshot"
    ),
    "recommender.census": "recommender.snapshot recommender.text",
    # what is bought together
    "recommender.order": (
        "recommender.product recommender.segment recommender.text recommender.weights"
    ),
    "recommender.together": (
        "recommender.kernels recommender.order recommender.snapshot"
    ),
    "recommender.bought": (
        "recommender.filters recommender.kernels recommender.ranking "
        "recommender.reasons recommender.search_kernels recommender.segment "
        "recommender.snapshot recommender.together"
    ),
    "recommender.lent": (
        "recommender.bought recommender.filters recommender.order recommender.ranking "
        "recommender.snapshot recommender.together"
    ),
    "recommender.difference": (
        "recommender.kernels recommender.row recommender.segment recommender.snapshot"
    ),
    "recommender.lasting": "recommender.difference recommender.snapshot",
    # the truth they answer to
    "recommender.oracle": "recommender.product recommender.weights",
    # the folder between the processes
    "recommender.segment_file": (
        "recommender.blob recommender.displays recommender.errors recommender.segment "
        "recommender.tally"
    ),
    "recommender.store": (
        "recommender.errors recommender.generation recommender.manifest "
        "recommender.position recommender.segment recommender.segment_file "
        "recommender.text"
    ),
    # what an operator sets, sees and types
    "recommender.json_bytes": "",
    "recommender.address": "recommender.json_bytes",
    "recommender.backoff": "",
    "recommender.exits": "",
    "recommender.supervisor": "",
    "recommender.launch": "recommender.allocator",
    "recommender.masking": "",
    "recommender.registry": "",
    "recommender.repeats": "",
    "server.merged": "recommender.registry",
    "recommender.logs": "recommender.masking recommender.repeats",
    "recommender.settings": (
        "recommender.errors recommender.logs recommender.masking recommender.weights"
    ),
    "recommender.effective": (
        "recommender.logs recommender.masking recommender.settings"
    ),
    "recommender.handbook": "recommender.effective recommender.settings",
    "recommender.startup": (
        "recommender.effective recommender.errors recommender.exits recommender.logs "
        "recommender.masking recommender.settings"
    ),
    # the server: it cannot name the index or a mutation
    "server.access": "recommender.errors",
    "server.problems": "",
    "server.doors": "server.access server.problems",
    "server.faults": "server.problems",
    "server.moments": "recommender.position",
    "server.parsing": "recommender.position server.faults",
    "server.params": (
        "recommender.address recommender.filters recommender.position "
        "recommender.ranking recommender.relations server.moments server.parsing"
    ),
    "server.compression": "",
    "server.origins": "",
    "server.draining": "",
    "server.doorway": "",
    "server.pace": "",
    "server.shared_times": "",
    "server.gate": "server.access server.doors server.pace server.problems",
    "server.body": "server.faults server.parsing server.problems",
    "server.lookup": (
        "recommender.address recommender.snapshot server.access server.problems"
    ),
    "server.watch": "recommender.store",
    "server.loader": (
        "recommender.errors recommender.generation recommender.manifest "
        "recommender.position recommender.snapshot recommender.store server.watch"
    ),
    "server.freshness": "recommender.position recommender.snapshot server.loader",
    "server.history": (
        "recommender.difference recommender.manifest recommender.position "
        "recommender.snapshot"
    ),
    "server.metrics": "recommender.registry",
    "server.sentence": "recommender.reasons",
    "server.answers": (
        "recommender.address recommender.bought recommender.census "
        "recommender.position recommender.reasons recommender.snapshot "
        "server.freshness server.sentence"
    ),
    "server.remembered": (
        "recommender.difference recommender.lasting recommender.snapshot server.answers"
    ),
    "server.live": (
        "recommender.snapshot recommender.store recommender.text server.history "
        "server.loader server.metrics server.remembered server.watch"
    ),
    "server.sight": (
        "recommender.snapshot server.answers server.freshness server.live "
        "server.loader server.problems"
    ),
    "server.ready": (
        "server.answers server.compression server.draining server.freshness server.gate "
        "server.origins server.problems"
    ),
    "server.recall": (
        "recommender.filters recommender.snapshot server.answers server.freshness "
        "server.params server.ready server.remembered server.sight"
    ),
    "server.shedding": "server.metrics server.problems server.sight",
    "server.waiting": (
        "recommender.position server.live server.loader server.params server.sight"
    ),
    "server.selection": (
        "recommender.filters recommender.query recommender.ranking recommender.reasons "
        "recommender.relations recommender.snapshot server.answers server.params"
    ),
    "server.phrase": (
        "recommender.errors recommender.query recommender.snapshot recommender.words "
        "server.problems"
    ),
    "server.products": (
        "recommender.address recommender.newest recommender.reasons "
        "recommender.snapshot server.access server.answers server.freshness "
        "server.lookup server.params server.parsing server.recall "
        "server.remembered server.selection server.waiting"
    ),
    "server.purchases": (
        "recommender.bought recommender.filters recommender.lent recommender.reasons "
        "recommender.snapshot server.access server.answers server.lookup server.params "
        "server.parsing server.selection server.sentence server.sight server.waiting"
    ),
    "server.discovery": (
        "recommender.census recommender.query recommender.reasons recommender.text "
        "server.answers server.params server.parsing server.phrase server.recall "
        "server.selection server.waiting"
    ),
    "server.recommendations": (
        "recommender.query recommender.reasons recommender.snapshot recommender.text "
        "server.access server.answers server.body server.lookup server.params "
        "server.parsing server.phrase server.selection server.shedding server.waiting"
    ),
    "server.model": (
        "recommender.errors recommender.manifest recommender.store server.access "
        "server.answers server.doors server.params server.parsing server.sight "
        "server.waiting"
    ),
    "server.stored": (
        "recommender.errors recommender.manifest recommender.store server.access "
        "server.doors server.problems"
    ),
    "server.events": (
        "recommender.address recommender.difference server.answers server.freshness "
        "server.history server.live server.loader server.params server.parsing "
        "server.problems"
    ),
    "server.files": "",
    "server.page": "server.files server.problems",
    "server.scrape": (
        "recommender.registry server.access server.doors server.events "
        "server.freshness server.line server.live server.merged"
    ),
    "server.health": (
        "server.answers server.draining server.page server.problems server.sight"
    ),
    "server.passing": "server.body server.problems",
    "server.desk": "server.access server.doors server.passing server.problems",
    "server.lines": (
        "recommender.logs server.access server.doors server.line server.passing "
        "server.problems"
    ),
    "server.train": (
        "server.access server.answers server.body server.doors server.live "
        "server.loader server.parsing server.problems server.sight"
    ),
    "server.request_log": "server.problems",
    "server.shapes": "",
    "server.contract": "server.params server.parsing server.shapes",
    "server.openapi": (
        "recommender.position server.contract server.params server.parsing "
        "server.problems server.shapes"
    ),
    "server.reference": "server.openapi",
    "server.watchdog": "",
    "server.passage": (
        "server.compression server.draining server.gate server.metrics server.origins "
        "server.problems server.ready server.recall server.request_log server.shedding "
        "server.sight"
    ),
    "server.app": (
        "recommender.exits recommender.settings recommender.store "
        "recommender.supervisor server.access server.answers server.compression "
        "server.desk server.discovery server.doorway server.draining server.events "
        "server.gate server.health server.line server.lines server.live server.model "
        "server.origins server.pace server.page server.passage server.products "
        "server.purchases server.ready server.recall server.recommendations server.reference "
        "server.request_log server.scrape server.shared_times server.shedding "
        "server.sight server.sockets server.stored server.train server.waiting "
        "server.watchdog"
    ),
    "server.crew": (
        "recommender.backoff recommender.exits recommender.logs recommender.settings "
        "recommender.supervisor server.app server.line"
    ),
    # what the daemon needs of a database
    "listener.errors": "",
    "listener.feed": "recommender.mutation recommender.position recommender.product",
    "listener.build": (
        "listener.feed recommender.bulk recommender.segment recommender.weights"
    ),
    # what the doctor asks of a database
    # the documents' edge
    "listener.keys": "recommender.address recommender.json_bytes",
    "listener.values.kinds": "",
    "listener.values.paths": "",
    "listener.values.usable": "listener.values.kinds",
    "listener.values.texts": "listener.values.usable",
    "listener.values.attributes": "listener.values.texts listener.values.usable",
    "listener.values.categories": "listener.values.texts listener.values.usable",
    "listener.values.images": "listener.values.usable",
    "listener.values.numbers": "listener.values.usable",
    "listener.values.times": "listener.values.numbers listener.values.usable",
    "listener.values.references": "listener.values.paths",
    "listener.doctor.database": "listener.values.references",
    "listener.fields": (
        "listener.values.attributes listener.values.categories listener.values.images "
        "listener.values.numbers listener.values.paths listener.values.references "
        "listener.values.texts listener.values.times listener.values.usable "
        "recommender.settings"
    ),
    "listener.references": (
        "listener.values.categories listener.values.paths listener.values.references "
        "recommender.settings"
    ),
    "listener.display": (
        "listener.fields listener.values.texts listener.values.times "
        "listener.values.usable recommender.json_bytes"
    ),
    "listener.query": "listener.keys listener.values.kinds listener.values.paths",
    "listener.visibility": (
        "listener.query listener.values.paths recommender.errors recommender.settings"
    ),
    "listener.mapping": (
        "listener.display listener.fields listener.keys listener.references "
        "listener.values.paths listener.values.references listener.visibility "
        "recommender.product recommender.settings recommender.text recommender.weights"
    ),
    # what a shop's documents call things
    "listener.profile.names": "",
    "listener.profile.paths": "",
    "listener.profile.quality": "listener.values.texts listener.values.times",
    "listener.profile.candidates": (
        "listener.display listener.fields listener.profile.names "
        "listener.profile.paths listener.profile.quality listener.values.paths "
        "listener.values.usable recommender.settings"
    ),
    "listener.profile.visible": (
        "listener.profile.names listener.profile.paths listener.values.numbers "
        "listener.values.paths recommender.settings"
    ),
    "listener.profile.decision": (
        "listener.profile.candidates listener.profile.names listener.profile.paths "
        "listener.profile.visible listener.visibility recommender.settings"
    ),
    "listener.profile.page": (
        "listener.profile.candidates listener.profile.decision listener.profile.names"
    ),
    "listener.profile.referred": (
        "listener.profile.candidates listener.profile.decision listener.profile.paths "
        "listener.references listener.values.paths listener.values.references"
    ),
    "listener.profile.first_start": (
        "listener.errors listener.mapping listener.profile.decision "
        "listener.profile.page listener.profile.paths listener.profile.referred "
        "recommender.settings"
    ),
    "listener.complaints": "listener.fields recommender.address",
    "listener.orders": (
        "listener.keys listener.values.numbers listener.values.paths "
        "listener.values.times listener.values.usable listener.visibility "
        "recommender.errors recommender.order recommender.product recommender.settings"
    ),
    "listener.joint": "listener.errors listener.feed recommender.position",
    # the only driver
    "listener.mongo.client": "recommender.errors recommender.masking",
    "listener.mongo.errors": "listener.errors",
    "listener.mongo.inbox": "listener.errors recommender.position",
    "listener.mongo.tokens": "listener.errors recommender.position",
    "listener.mongo.events": (
        "listener.errors listener.mongo.tokens recommender.position"
    ),
    "listener.mongo.reader": (
        "listener.errors listener.keys listener.mongo.client listener.mongo.errors "
        "listener.mongo.events listener.mongo.inbox listener.mongo.tokens "
        "recommender.position"
    ),
    "listener.mongo.oplog": (
        "listener.doctor.database listener.mongo.client listener.mongo.errors"
    ),
    "listener.mongo.feed": (
        "listener.errors listener.feed listener.mongo.inbox listener.mongo.reader "
        "recommender.mutation recommender.position recommender.product"
    ),
    "listener.mongo.lookups": (
        "listener.keys listener.mongo.client listener.references "
        "listener.values.categories listener.values.references"
    ),
    "listener.mongo.source": (
        "listener.doctor.database listener.errors listener.feed listener.joint "
        "listener.mongo.client listener.mongo.errors listener.mongo.events "
        "listener.mongo.feed listener.mongo.lookups listener.mongo.oplog "
        "listener.mongo.reader listener.mongo.tokens listener.references "
        "listener.values.references recommender.position recommender.product"
    ),
    "listener.opening": (
        "listener.fields listener.mapping listener.mongo.client listener.mongo.source "
        "listener.orders listener.references listener.values.references "
        "recommender.product recommender.settings recommender.weights"
    ),
    "listener.nursery": "",
    "listener.spread": (
        "listener.build listener.feed listener.mapping recommender.settings"
    ),
    "listener.pool": "listener.nursery",
    "listener.cluster": "listener.spread",
    "listener.elsewhere": (
        "listener.build listener.complaints listener.feed listener.opening "
        "listener.spread recommender.errors recommender.segment "
        "recommender.segment_file"
    ),
    "listener.reading": (
        "listener.build listener.complaints listener.feed listener.opening "
        "listener.spread recommender.product recommender.weights"
    ),
    "listener.mongo.examination": (
        "listener.doctor.database listener.mongo.client listener.mongo.errors "
        "listener.mongo.events listener.mongo.lookups listener.mongo.oplog "
        "listener.references listener.values.references"
    ),
    # the loop, and what it needs
    "listener.clock": "",
    "listener.guard": "",
    "listener.tally": "",
    "listener.metrics": (
        "listener.feed recommender.index recommender.position recommender.registry"
    ),
    "listener.lag": "recommender.position",
    "listener.status": (
        "listener.clock listener.doctor.database listener.guard listener.lag "
        "listener.metrics listener.tally recommender.position"
    ),
    "listener.of_orders": "",
    "listener.scrape": "listener.status recommender.position",
    "listener.trouble": "",
    "listener.beacon": (
        "listener.clock listener.status listener.trouble recommender.position "
        "recommender.store"
    ),
    "listener.model": "listener.feed recommender.index",
    "listener.schedule": "",
    "listener.publisher": (
        "listener.clock listener.feed listener.guard listener.model listener.schedule "
        "listener.status listener.trouble recommender.index recommender.manifest "
        "recommender.position recommender.store"
    ),
    "listener.progress": "listener.clock",
    "listener.background": "",
    "listener.rebuild": (
        "listener.background listener.build listener.clock listener.errors "
        "listener.feed listener.model listener.progress listener.tally "
        "recommender.allocator recommender.bulk recommender.index recommender.segment "
        "recommender.weights"
    ),
    "listener.window": (
        "listener.background listener.clock listener.doctor.database listener.errors"
    ),
    "listener.rebuilds": (
        "listener.background listener.guard listener.rebuild listener.status "
        "recommender.position"
    ),
    "listener.contact": "listener.rebuilds listener.status",
    "listener.signals": "",
    "listener.beside": "listener.errors listener.signals recommender.errors",
    "listener.stretch": (
        "listener.errors listener.feed recommender.position recommender.product "
        "recommender.row recommender.segment recommender.weights"
    ),
    "recommender.hash_set": "",
    "listener.sweep": (
        "listener.background listener.clock listener.feed listener.model "
        "listener.status listener.stretch recommender.address recommender.backoff "
        "recommender.hash_set recommender.mutation recommender.segment"
    ),
    "listener.copies.place": (
        "listener.errors recommender.manifest recommender.position"
    ),
    "listener.copies.pointer": (
        "listener.copies.place recommender.errors recommender.manifest "
        "recommender.position"
    ),
    "listener.copies.pusher": (
        "listener.clock listener.copies.place listener.status listener.trouble "
        "recommender.backoff recommender.manifest recommender.position "
        "recommender.store"
    ),
    "listener.upkeep": (
        "listener.clock listener.copies.pusher listener.model listener.trouble "
        "recommender.allocator recommender.index recommender.manifest "
        "recommender.segment recommender.store"
    ),
    "listener.daemon": (
        "listener.beacon listener.clock listener.complaints listener.errors "
        "listener.feed listener.guard listener.lag listener.model "
        "listener.profile.first_start listener.publisher listener.rebuild "
        "listener.rebuilds listener.signals listener.status listener.sweep "
        "listener.upkeep listener.window recommender.backoff recommender.mutation "
        "recommender.position recommender.supervisor"
    ),
    "listener.restore": (
        "listener.feed listener.model listener.publisher listener.status "
        "recommender.errors recommender.generation recommender.index "
        "recommender.position recommender.store recommender.weights"
    ),
    # what another listener has published
    "listener.copies.neighbour": (
        "listener.copies.place recommender.manifest recommender.store"
    ),
    "listener.copies.fetch": (
        "listener.copies.place recommender.generation recommender.manifest "
        "recommender.store"
    ),
    "listener.copies.first_copy": (
        "listener.clock listener.copies.fetch listener.copies.place listener.model "
        "listener.publisher listener.restore recommender.errors recommender.generation "
        "recommender.manifest recommender.segment recommender.store "
        "recommender.weights"
    ),
    "listener.copies.follower": (
        "listener.beacon listener.clock listener.copies.fetch listener.copies.place "
        "listener.publisher listener.rebuild listener.signals listener.status "
        "listener.trouble recommender.backoff recommender.errors "
        "recommender.generation recommender.manifest recommender.position "
        "recommender.store recommender.supervisor"
    ),
    "listener.mongo.shelf": (
        "listener.clock listener.copies.place listener.copies.pointer "
        "listener.mongo.client listener.mongo.errors recommender.errors "
        "recommender.manifest recommender.masking recommender.position"
    ),
    "listener.copies.bucket": (
        "listener.clock listener.copies.place listener.copies.pointer "
        "recommender.errors recommender.manifest recommender.masking "
        "recommender.position recommender.store"
    ),
    "listener.copies.opening": (
        "listener.clock listener.copies.bucket listener.copies.place "
        "listener.mongo.shelf recommender.errors"
    ),
    "listener.serving": "server.doorway server.request_log server.sockets",
    "listener.control": (
        "listener.contact listener.errors listener.feed listener.rebuilds "
        "listener.status recommender.logs recommender.position recommender.registry "
        "server.access server.doors server.parsing server.problems"
    ),
    "listener.compare": (
        "recommender.address recommender.oracle recommender.product "
        "recommender.segment recommender.snapshot recommender.weights"
    ),
    "listener.truth": (
        "listener.clock listener.errors listener.feed listener.progress "
        "listener.reading listener.rebuild listener.status recommender.mutation "
        "recommender.position recommender.product"
    ),
    "listener.verify": (
        "listener.clock listener.compare listener.errors listener.feed listener.guard "
        "listener.progress listener.reading listener.truth recommender.address "
        "recommender.errors recommender.position recommender.product "
        "recommender.snapshot recommender.store recommender.weights server.freshness "
        "server.loader"
    ),
    "listener.remote": "listener.errors",
    "listener.resync": (
        "listener.background listener.clock listener.daemon listener.progress "
        "listener.rebuilds listener.remote listener.signals listener.status"
    ),
    # what keeps it from working well
    "listener.doctor.finding": "",
    "listener.doctor.checks": (
        "listener.doctor.finding listener.errors recommender.errors"
    ),
    "listener.doctor.role": "listener.doctor.database",
    "listener.doctor.server": (
        "listener.clock listener.doctor.database listener.doctor.finding "
        "listener.errors recommender.masking"
    ),
    "listener.doctor.collection": (
        "listener.clock listener.doctor.database listener.doctor.finding "
        "listener.doctor.role listener.errors listener.feed"
    ),
    "listener.doctor.oplog": (
        "listener.doctor.database listener.doctor.finding listener.doctor.role"
    ),
    "listener.doctor.orders": (
        "listener.doctor.database listener.doctor.finding listener.doctor.role "
        "listener.keys listener.orders recommender.settings"
    ),
    "listener.doctor.disk": "listener.doctor.finding",
    "listener.doctor.estimate": (
        "listener.clock listener.doctor.database listener.mapping recommender.bulk "
        "recommender.settings recommender.weights"
    ),
    "listener.doctor.coverage": (
        "listener.doctor.database listener.doctor.finding listener.fields "
        "listener.mapping listener.values.references listener.visibility "
        "recommender.settings"
    ),
    "listener.doctor.model": (
        "listener.doctor.finding recommender.errors recommender.manifest "
        "recommender.store"
    ),
    "listener.doctor.holder": (
        "listener.clock listener.doctor.finding listener.remote recommender.position "
        "recommender.store"
    ),
    "listener.doctor.schema": (
        "listener.doctor.database listener.doctor.finding listener.profile.candidates "
        "listener.profile.decision listener.profile.first_start listener.profile.page "
        "listener.visibility recommender.settings"
    ),
    "listener.doctor.queue": "listener.doctor.finding recommender.masking",
    "listener.doctor.outlet": (
        "listener.clock listener.copies.opening listener.copies.place "
        "listener.copies.pointer listener.doctor.finding"
    ),
    "listener.doctor.rounds": (
        "listener.clock listener.doctor.checks listener.doctor.collection "
        "listener.doctor.coverage listener.doctor.database listener.doctor.disk "
        "listener.doctor.estimate listener.doctor.finding listener.doctor.holder "
        "listener.doctor.model listener.doctor.oplog listener.doctor.orders "
        "listener.doctor.outlet listener.doctor.queue listener.doctor.schema "
        "listener.doctor.server listener.errors listener.feed listener.mapping "
        "listener.orders listener.remote recommender.errors recommender.settings "
        "recommender.store"
    ),
    "listener.doctor.show": "listener.doctor.finding",
    # the embedded database and its samples
    "listener.demo.errors": "listener.errors",
    "listener.demo.binary": "listener.demo.errors",
    "listener.demo.folder": "recommender.settings",
    "listener.demo.jsonl": "listener.demo.errors",
    "listener.demo.material": "",
    "listener.demo.picture": "",
    "listener.demo.sample": "listener.demo.material listener.demo.picture",
    "listener.demo.loader": "listener.demo.jsonl listener.demo.sample",
    "listener.demo.ports": "",
    "listener.demo.replica_set": "listener.demo.errors listener.demo.ports",
    "listener.demo.tether": "",
    "listener.demo.mongod": (
        "listener.demo.errors listener.demo.folder listener.demo.ports "
        "listener.demo.replica_set listener.demo.tether"
    ),
    "listener.demo.preflight": (
        "listener.demo.binary listener.demo.errors listener.demo.folder "
        "recommender.errors recommender.settings"
    ),
    "listener.demo.embedded": (
        "listener.demo.binary listener.demo.folder listener.demo.loader "
        "listener.demo.mongod listener.demo.preflight listener.demo.replica_set "
        "recommender.settings"
    ),
    "listener.demo.load": (
        "listener.clock listener.demo.embedded listener.demo.jsonl "
        "listener.demo.loader listener.progress recommender.errors recommender.exits "
        "recommender.settings"
    ),
    "listener.demo.database": "listener.demo.mongod",
    "listener.demo.greeting": "listener.keys recommender.address",
    "listener.demo.program": "listener.demo.tether",
    "listener.demo.supervise": (
        "listener.demo.errors listener.signals recommender.exits"
    ),
    "listener.demo.draft": "",
    "listener.demo.seller": (
        "listener.demo.draft listener.demo.material listener.demo.picture "
        "listener.keys recommender.address"
    ),
    "listener.demo.desk": (
        "listener.demo.draft listener.demo.seller listener.serving server.access "
        "server.body server.doors server.problems"
    ),
    "listener.demo.open_desk": "listener.demo.desk listener.demo.errors server.access",
    "listener.demo.app": (
        "listener.demo.database listener.demo.embedded listener.demo.errors "
        "listener.demo.greeting listener.demo.open_desk listener.demo.ports "
        "listener.demo.program listener.demo.replica_set listener.demo.supervise "
        "listener.signals recommender.errors recommender.exits recommender.settings "
        "recommender.startup server.access"
    ),
    "listener.demo.__main__": "listener.demo.app recommender.exits recommender.launch",
    # the processes
    "server.process": (
        "recommender.errors recommender.exits recommender.settings recommender.startup "
        "server.app server.crew"
    ),
    "run_server": "recommender.exits recommender.launch server.process",
    "listener.assembly": (
        "listener.beacon listener.build listener.clock listener.cluster "
        "listener.complaints listener.copies.first_copy listener.copies.neighbour "
        "listener.copies.place listener.copies.pusher listener.daemon "
        "listener.elsewhere listener.guard listener.keys listener.mapping "
        "listener.mongo.client listener.mongo.examination listener.mongo.source "
        "listener.opening listener.orders listener.pool listener.profile.first_start "
        "listener.publisher listener.rebuild listener.rebuilds listener.references "
        "listener.remote listener.restore listener.schedule listener.scrape "
        "listener.signals listener.spread listener.status listener.stretch "
        "listener.sweep listener.upkeep listener.values.references listener.window "
        "recommender.order recommender.product recommender.settings recommender.store "
        "recommender.supervisor recommender.weights"
    ),
    "listener.proof": (
        "listener.assembly listener.build listener.complaints listener.mongo.source "
        "listener.opening listener.progress listener.reading listener.spread "
        "listener.verify recommender.order recommender.settings recommender.store "
        "recommender.weights"
    ),
    # jobs that others put into a queue
    "listener.queue.job": "",
    "listener.queue.ledger": "listener.queue.job",
    "listener.queue.errands": (
        "listener.assembly listener.beside listener.clock listener.proof "
        "listener.queue.job listener.rebuild listener.remote listener.resync "
        "listener.signals listener.verify recommender.settings"
    ),
    "listener.queue.pulse": "listener.clock",
    "listener.queue.server": "recommender.errors",
    "listener.queue.telling": "listener.queue.server",
    "listener.queue.taker": (
        "listener.background listener.errors listener.queue.errands listener.queue.job "
        "listener.queue.ledger listener.queue.server listener.queue.telling "
        "listener.remote recommender.errors recommender.masking"
    ),
    "listener.queue.command": (
        "listener.assembly listener.queue.errands listener.queue.ledger "
        "listener.queue.pulse listener.queue.server listener.queue.taker "
        "listener.signals recommender.masking recommender.settings"
    ),
    "listener.copies.command": (
        "listener.assembly listener.beside listener.contact listener.control "
        "listener.copies.follower listener.copies.opening listener.copies.pointer "
        "listener.of_orders listener.scrape listener.serving listener.signals "
        "listener.status recommender.settings recommender.store recommender.supervisor "
        "server.access"
    ),
    "listener.details": "listener.mapping listener.status recommender.settings",
    # how good the recommendations are
    "listener.evaluate.catalogue": (
        "recommender.bulk recommender.generation recommender.manifest "
        "recommender.position recommender.product recommender.snapshot "
        "recommender.text recommender.weights"
    ),
    "listener.evaluate.asking": (
        "listener.clock listener.evaluate.catalogue listener.progress"
    ),
    "listener.evaluate.measures": (
        "listener.evaluate.asking listener.evaluate.catalogue"
    ),
    "listener.evaluate.popularity": (
        "listener.evaluate.asking listener.evaluate.catalogue"
    ),
    "listener.evaluate.relevance": "listener.evaluate.catalogue",
    "listener.evaluate.statistics": "listener.evaluate.catalogue",
    "listener.evaluate.truth": (
        "listener.evaluate.asking listener.evaluate.catalogue "
        "listener.evaluate.relevance recommender.address recommender.errors"
    ),
    "listener.evaluate.evaluation": (
        "listener.clock listener.evaluate.asking listener.evaluate.catalogue "
        "listener.evaluate.measures listener.evaluate.popularity "
        "listener.evaluate.relevance listener.evaluate.statistics "
        "listener.evaluate.truth"
    ),
    "listener.evaluate.wording": (
        "listener.evaluate.evaluation listener.evaluate.statistics"
    ),
    "listener.evaluate.result": (
        "listener.evaluate.evaluation listener.evaluate.statistics"
    ),
    "listener.evaluate.sales": (
        "listener.clock listener.evaluate.asking listener.evaluate.catalogue "
        "listener.progress recommender.bought recommender.filters recommender.lent "
        "recommender.ranking recommender.snapshot"
    ),
    "listener.evaluate.tuning": (
        "listener.clock listener.evaluate.catalogue listener.evaluate.sales "
        "listener.evaluate.statistics"
    ),
    "listener.evaluate.table": (
        "listener.evaluate.evaluation listener.evaluate.result "
        "listener.evaluate.tuning listener.evaluate.wording"
    ),
    "listener.evaluate.examples": (
        "listener.evaluate.asking listener.evaluate.catalogue recommender.reasons "
        "recommender.snapshot server.sentence"
    ),
    "listener.evaluate.markup": "",
    "listener.evaluate.plots": "listener.evaluate.catalogue listener.evaluate.markup",
    "listener.evaluate.page": (
        "listener.evaluate.asking listener.evaluate.evaluation "
        "listener.evaluate.examples listener.evaluate.markup listener.evaluate.plots "
        "listener.evaluate.popularity listener.evaluate.result listener.evaluate.table"
    ),
    "listener.evaluate.reading": (
        "listener.assembly listener.complaints listener.demo.jsonl "
        "listener.evaluate.catalogue listener.mapping listener.opening "
        "listener.progress recommender.errors recommender.product recommender.settings"
    ),
    "listener.evaluate.command": (
        "listener.assembly listener.evaluate.asking listener.evaluate.catalogue "
        "listener.evaluate.evaluation listener.evaluate.examples "
        "listener.evaluate.page listener.evaluate.reading listener.evaluate.result "
        "listener.evaluate.table listener.evaluate.truth recommender.errors "
        "recommender.exits recommender.logs recommender.settings"
    ),
    "listener.evaluate.past": (
        "listener.assembly listener.evaluate.catalogue listener.evaluate.sales "
        "listener.opening listener.progress recommender.order recommender.product "
        "recommender.segment recommender.settings"
    ),
    "listener.evaluate.keeping": "recommender.errors",
    "listener.evaluate.tune_command": (
        "listener.assembly listener.evaluate.keeping listener.evaluate.past "
        "listener.evaluate.reading listener.evaluate.table listener.evaluate.tuning "
        "recommender.effective recommender.errors recommender.exits recommender.logs "
        "recommender.settings"
    ),
    # the listener's process
    "listener.app": (
        "listener.assembly listener.beside listener.complaints listener.contact "
        "listener.control listener.copies.command listener.copies.opening "
        "listener.copies.place listener.copies.pointer listener.demo.embedded "
        "listener.demo.load listener.details listener.doctor.rounds "
        "listener.doctor.show listener.errors listener.evaluate.command "
        "listener.evaluate.tune_command listener.mongo.source listener.nursery "
        "listener.of_orders listener.opening listener.orders listener.pool "
        "listener.profile.first_start listener.profile.page listener.profile.referred "
        "listener.proof listener.queue.command listener.rebuilds listener.remote "
        "listener.resync listener.scrape listener.serving listener.signals "
        "listener.status listener.verify recommender.errors recommender.exits "
        "recommender.logs recommender.settings recommender.startup recommender.store "
        "server.access"
    ),
    "run_listener": "listener.app recommender.exits recommender.launch",
}

# Third-party packages, and the only places that may import them.
FENCED = {
    "aiohttp": (
        "listener.control",
        "listener.demo.desk",
        "listener.serving",
        "server",
    ),
    "asyncinotify": ("server.watch",),
    "brotli": ("server.compression",),
    "bullmq": ("listener.queue",),
    "bson": (
        "listener.demo",
        "listener.display",
        "listener.keys",
        "listener.mongo",
        "listener.orders",
        "listener.query",
        "listener.values",
        "listener.visibility",
    ),
    "gridfs": ("listener.mongo",),
    "numba": ("recommender.kernels",),
    "obstore": ("listener.copies.bucket",),
    "numpy": ("listener.compare", "listener.evaluate", "recommender"),
    "prometheus_client": (
        "listener.metrics",
        "listener.of_orders",
        "listener.scrape",
        "recommender.registry",
        "server.merged",
        "server.metrics",
        "server.scrape",
    ),
    "pydantic": (
        "listener.demo.desk",
        "listener.demo.draft",
        "recommender.effective",
        "recommender.manifest",
        "recommender.settings",
        "server",
    ),
    "pydantic_core": ("recommender.manifest", "server.params"),
    "pydantic_settings": ("recommender.effective", "recommender.settings"),
    "pymongo": ("listener.demo", "listener.mongo"),
    "redis": ("listener.doctor.queue", "listener.queue"),
    "scipy": ("listener.evaluate", "recommender.oracle"),
    "sklearn": ("recommender.oracle",),
    "structlog": (
        "listener",
        "recommender.logs",
        "recommender.startup",
        "server",
    ),
    "uvloop": ("server",),
}

# The rest of `recommender` does no I/O, reads no clock, draws no random number and
# logs nothing.
NOT_CORE = {
    "recommender.allocator",
    "recommender.store",
    "recommender.settings",
    "recommender.effective",
    "recommender.handbook",
    "recommender.launch",
    "recommender.logs",
    "recommender.registry",
    "recommender.startup",
    "recommender.supervisor",
}
IMPURE_MODULES = {
    "asyncio", "builtins", "codecs", "concurrent", "ctypes", "datetime", "fcntl",
    "glob", "gzip", "http", "io", "logging", "mmap", "multiprocessing", "os",
    "pathlib", "pickle", "random", "secrets", "shutil", "signal", "socket", "sqlite3",
    "structlog", "subprocess", "sys", "tempfile", "time", "urllib", "uuid", "warnings",
}  # fmt: skip
IMPURE_NAMES = {"open", "print", "input", "exec", "eval", "breakpoint"}
IMPURE_ATTRIBUTES = {
    "fromfile", "genfromtxt", "load", "loadtxt", "memmap", "random", "save", "savetxt",
    "savez", "tofile",
}  # fmt: skip

# What would let a process that only reads the model change it, or train it.
WRITERS = {"recommender.bulk", "recommender.index", "recommender.mutation"}


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def to_tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(tree):
    """
    Return the dotted names that *tree* imports, at any depth.
    """
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


PATHS = sorted(
    path
    for place in (*PACKAGES, *SCRIPTS)
    for path in (*(ROOT / place).rglob("*.py"), *ROOT.glob(f"{place}.py"))
)
TREES = {module_name(p): to_tree(p) for p in PATHS if p.stem != "__init__"}
MODULES = {module: imports(tree) for module, tree in TREES.items()}
CORE = [m for m in MODULES if m.startswith("recommender.") and m not in NOT_CORE]
PACKAGE_FILES = [path for path in PATHS if path.stem == "__init__"]


def to_module(name):
    """
    Return which of our modules an imported name is, or lies in, else the name.
    """
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if prefix in MODULES), name)


def ours(names):
    return {
        to_module(name)
        for name in names
        if name.split(".")[0] in PACKAGES or name.split(".")[0] in SCRIPTS
    }


def is_within(module, place):
    return f"{module}.".startswith(f"{place}.")


def test_table_is_the_tree():
    """
    Every module has a line in the table, and every line has a module.
    """
    assert set(MAY_IMPORT) == set(MODULES)


def test_table_has_no_cycle():
    """
    A line names only modules of the lines above it.
    """
    above = set()
    for module, allowed in MAY_IMPORT.items():
        assert set(allowed.split()) <= above, module
        above.add(module)


@pytest.mark.parametrize("module", MODULES)
def test_imports_are_in_the_table(module):
    """
    A module imports of ours only what its line names.
    """
    assert ours(MODULES[module]) <= set(MAY_IMPORT[module].split())


@pytest.mark.parametrize("module", MODULES)
def test_table_names_nothing_in_vain(module):
    """
    A line names only what its module does import.
    """
    assert set(MAY_IMPORT[module].split()) <= ours(MODULES[module])


@pytest.mark.parametrize("module", MODULES)
def test_third_party_stays_fenced(module):
    """
    Each third-party package is imported from its own places only.
    """
    for package in {name.split(".")[0] for name in MODULES[module]} & set(FENCED):
        assert any(is_within(module, place) for place in FENCED[package]), package


def test_server_cannot_reach_a_writer():
    """
    Nothing that the server imports, however indirectly, names the index or a mutation.
    """
    reached = {module: ours(MODULES[module]) for module in MODULES}
    for module in MODULES:
        if not is_within(module, "server") and module != "run_server":
            continue
        seen, todo = set(), {module}
        while todo:
            seen |= todo
            todo = set().union(*(reached[one] for one in todo)) - seen
        assert not seen & WRITERS, module


@pytest.mark.parametrize("module", CORE)
def test_core_is_pure(module):
    """
    The core does no I/O, reads no clock, draws no random number and logs nothing.
    """
    nodes = list(ast.walk(TREES[module]))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}

    assert not {name.split(".")[0] for name in MODULES[module]} & IMPURE_MODULES
    assert not names & IMPURE_NAMES
    assert not attributes & IMPURE_ATTRIBUTES


@pytest.mark.parametrize("path", PACKAGE_FILES, ids=module_name)
def test_package_files_hold_no_code(path):
    """
    `__init__.py` is a docstring, so importing a package imports nothing else.
    """
    body = to_tree(path).body

    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)
    assert isinstance(body[0].value, ast.Constant)
