-- Name: orders orders_pkey; Type: CONSTRAINT; Schema: public; Owner: -
ALTER TABLE ONLY "public"."orders"
    ADD CONSTRAINT "orders_pkey" PRIMARY KEY ("id");
-- Name: i ON "x; Type: INDEX; Schema: public; Owner: -
CREATE INDEX "i ON ""x" ON ONLY "s"."t""a;" USING "btree" ("b");
ALTER TABLE "x" CLUSTER ON "i";
-- Name: t fk; Type: FK CONSTRAINT; Schema: public; Owner: -
ALTER TABLE ONLY "public"."t"
    ADD CONSTRAINT "f;k" FOREIGN KEY ("a") REFERENCES "o"."p"("id") NOT VALID;
\unrestrict aBc
